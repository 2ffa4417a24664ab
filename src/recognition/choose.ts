// Which classifier answers: the ensemble where one is configured, else the one model.
import type { EnsembleConfig } from '../config/schema.js'
import { Classifier, type ClassifierOptions, type PictureClassifier } from './classifier.js'
import { Ensemble } from './ensemble.js'

export interface AnyClassifierOptions extends ClassifierOptions {
  /** Goes before `model`, which is not loaded then. */
  ensemble?: EnsembleConfig | null | undefined
}

export function classifierFor({ ensemble, ...options }: AnyClassifierOptions): PictureClassifier {
  return ensemble ? new Ensemble({ ...options, ensemble }) : new Classifier(options)
}

// A few photographs as a training run varies them: what the model was taught to see through.
import { type Html, html } from './html.js'

/** Data URIs of augmented views of one photograph. */
export interface TrainingViews {
  file: string
  pictures: string[]
}

export function viewsSection(views: readonly TrainingViews[]): Html {
  return html`<section id="views">
    <h2>As training sees them</h2>
    <p>
      Each row is one photograph, varied at random as in training. What a shop’s camera does to
      pictures should look like one of these.
    </p>
    <div class="views">
      ${views.map(
        ({ file, pictures }) =>
          html`<figure>
            <div>
              ${pictures.map(picture => html`<img src="${picture}" alt="A view of ${file}" />`)}
            </div>
            <figcaption class="file" title="${file}">${file}</figcaption>
          </figure>`,
      )}
    </div>
  </section>`
}

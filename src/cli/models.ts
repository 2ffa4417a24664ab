// grocerd models: signed updates of the model; each subcommand is a file in models/.
import { Command } from 'commander'
import { activateCommand, rollbackCommand } from './models/activate.js'
import { installCommand, verifyCommand } from './models/install.js'
import { keygenCommand } from './models/keygen.js'
import { listCommand } from './models/list.js'
import { signCommand } from './models/sign.js'

export const modelsCommand = (): Command =>
  new Command('models')
    .description('sign, install, activate and take back models; docs/8-updates.md is the manual')
    .addCommand(listCommand())
    .addCommand(keygenCommand())
    .addCommand(signCommand())
    .addCommand(verifyCommand())
    .addCommand(installCommand())
    .addCommand(activateCommand())
    .addCommand(rollbackCommand())

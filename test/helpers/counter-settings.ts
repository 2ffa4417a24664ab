// The counter's settings as tests want them: the defaults, in milliseconds, without a session.
export const counterSettings = {
  needSession: false,
  settle: 3000,
  stable: 300,
  giveUp: 1500,
  gone: 400,
  consensus: 0.6,
  blind: 1000,
}

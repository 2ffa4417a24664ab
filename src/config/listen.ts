// Where a client on the same machine finds what listens at an address of the configuration. Pure.

/** @param listen host:port; one that stands for all addresses is met at the loopback */
export const fromHere = (listen: string): string =>
  listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')

// Loaded into a daemon and its vision process by tests (--import): no kill has an effect, as on a process that waits inside a driver.
process.kill = () => true

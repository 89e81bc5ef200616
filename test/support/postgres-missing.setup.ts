/** Says once, where the tests that need PostgreSQL would have run, that they did not. */
export default function setup(): void {
  process.stdout.write(
    '\nSKIPPED: the PostgreSQL suites, since no PostgreSQL server is installed here; PGlite ran instead.\n',
  )
}

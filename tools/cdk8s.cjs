// Loaded before cdk8s-cli: when the app fails, the CLI prints its own stack below what the app has
// said, and not one line of that helps to find the mistake.
const { error } = console;
console.error = (...said) => error(...said.map((it) => (it instanceof Error ? String(it) : it)));

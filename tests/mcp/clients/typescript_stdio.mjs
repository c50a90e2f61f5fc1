// The official TypeScript client over standard input and output, through the bridge: all that it can
// do over HTTP but tasks, whose client sends for itself.
process.env.OVER = 'stdio';
await import('./typescript_client.mjs');

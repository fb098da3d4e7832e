// Sends mail through Nodemailer: one JSON object a line in (`id`, `options` or `url`), and out (`id`, `error`).
const nodemailer = require('nodemailer');
const readline = require('node:readline');

const send = async ({ id, options, url }) => {
  const transport = nodemailer.createTransport(url || options);
  await transport.sendMail({ from: `${id}@example.test`, to: 'somebody@example.test', subject: 'x', text: 'x' });
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const known = JSON.parse(line);
    let error = '';
    try {
      await send(known);
    } catch (failure) {
      error = String(failure);
    }
    process.stdout.write(JSON.stringify({ id: known.id, error }) + '\n');
  }
})();

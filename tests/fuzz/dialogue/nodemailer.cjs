// Sends with Nodemailer: one job a line of standard input, one answer a line of standard output.
"use strict";
const fs = require("node:fs");
const nodemailer = require(require.resolve("nodemailer", { paths: [process.argv[2]] }));
const cas = new Map();
const ca = (path) => cas.get(path) ?? cas.set(path, fs.readFileSync(path)).get(path);

async function send(job) {
  const auth = job.token
    ? { type: "OAuth2", user: job.username, accessToken: job.password }
    : { user: job.username, pass: job.password };
  const transport = nodemailer.createTransport({
    host: "127.0.0.1",
    port: job.port,
    name: job.name,
    secure: job.security === "tls",
    ignoreTLS: job.security === "none",
    requireTLS: job.security === "starttls",
    ...(job.login ? { auth } : {}),
    tls: { servername: job.host, ca: ca(job.ca), ...(job.cipher ? { ciphers: job.cipher } : {}) },
    connectionTimeout: job.milliseconds,
    greetingTimeout: job.milliseconds,
    socketTimeout: job.milliseconds,
  });
  try {
    await transport.sendMail({
      from: job.sender,
      to: job.recipient,
      subject: "test",
      text: "one line of a test message\n".repeat(40),
    });
    return "";
  } catch (error) {
    return String(error.message || error).slice(0, 200) || "?";
  } finally {
    transport.close();
  }
}

require("node:readline")
  .createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const job = JSON.parse(line);
    process.stdout.write(JSON.stringify({ id: job.id, error: await send(job) }) + "\n");
  })
  .on("close", () => process.exit(0));

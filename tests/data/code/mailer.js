import nodemailer, { createTransport as ct } from 'nodemailer';
const opts = { host: 'smtp.x.com', port: 587, auth: { user: process.env.U, pass: process.env.P || 'y' }, secure: process.env.S === 'true' };
const t = nodemailer.createTransport(opts);
opts.extra = `a${opts.host}b`;
const u = ct({ ...opts, host: '한글' + ':' + 5, tls: { rejectUnauthorized: false } });
t.sendMail({ from: '"A" <a@b.c>', to: x });
module.exports = ({ env }) => ({ email: { config: { provider: 'nodemailer', providerOptions: { host: env('H', 'd'), port: env.int('P2', 465), secure: env.bool('Q', true) }}}});
if (a) { t2 = ct({host: 'q'}) } else { t2 = ct({host: 'r'}) }

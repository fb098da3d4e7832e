import nodemailer from 'nodemailer';

export const transport = nodemailer.createTransport({
  host: 'smtp.naver.com',
  port: 465,
  secure: false,
  auth: { user: 'shopdesk', pass: 'k2mx91qz7r' },
});
transport.sendMail({ from: 'shopdesk@naver.com', to: 'a@example.org', subject: 'x' });

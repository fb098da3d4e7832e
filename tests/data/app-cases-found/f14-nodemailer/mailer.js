const nodemailer = require('nodemailer');

module.exports = async function send(message) {
  const transporter = await nodemailer.createTransport({
    host: process.env.HOST,
    port: process.env.SMTP_PORT,
    secure: true,
    auth: {
      user: process.env.USER_NAME,
      pass: process.env.PASS,
    }
  })
  return transporter.sendMail(message)
}

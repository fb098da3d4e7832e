const nodemailer = require("nodemailer");

const transporter = nodemailer.createTransport({
  host: "smtp-relay.gmail.com",
  port: 587,                                          // G Suite demands the 587
  secure: true,
  auth: {
    user: "site@studio.example",
    pass: process.env.MAIL_PASS
  }
});

module.exports = (to, html) => transporter.sendMail({ from: "site@studio.example", to, html });

const nodemailer = require("nodemailer");
const mailSender = async (email, title, body) => {
    try {
        let transporter = nodemailer.createTransport({
            host: 'smtp.gmail.com',
            port: 587,
            secure: false,
            auth: {
                user: process.env.MAIL_USER,
                pass: process.env.MAIL_PASS,
            },
        });
        return await transporter.sendMail({ from: 'someone@gmail.com', to: email, subject: title, html: body });
    } catch (error) {
        console.log(error.message);
    }
};
module.exports = mailSender;

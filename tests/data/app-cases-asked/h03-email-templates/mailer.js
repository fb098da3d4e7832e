const EmailTemplate = require('email-templates');

const emailTemplate = new EmailTemplate({
    secureConnection: true,
    secure: true,
    message: {
        from: process.env.MAIL_FROM
    },
    transport: {
        host: process.env.MAIL_HOST,
        port: process.env.MAIL_PORT,
        auth: {
            user: process.env.MAIL_USERNAME,
            pass: process.env.MAIL_PASSWORD
        }
    }
});

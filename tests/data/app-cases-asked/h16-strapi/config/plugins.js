module.exports = ({ env }) => ({
    email: {
      config: {
        provider: 'nodemailer',
        providerOptions: {
          host: env('SMTP_HOST', 'smtp.gmail.com'),
          port: env('SMTP_PORT', 465),
          auth: {
            user: env('SMTP_USERNAME', 'someone@gmail.com'),
            pass: env('SMTP_PASSWORD', 'abcdefghijklmnop'),
          },
        },
        settings: {
          defaultFrom: 'someone@gmail.com',
          defaultReplyTo: 'someone@gmail.com',
        },
      },
    },
  });

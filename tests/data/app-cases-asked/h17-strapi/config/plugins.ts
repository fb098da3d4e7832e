export default ({ env }) => {
  return {
    email: {
      provider: 'strapi-provider-email-nodemailer',
      providerOptions: {
        host: 'smtp.gmail.com',
        port: 587,
        auth: { user: 'someone@gmail.com', pass: 'abcdefghijklmnop' },
      },
      settings: { defaultFrom: 'someone@gmail.com' },
    },
  };
};

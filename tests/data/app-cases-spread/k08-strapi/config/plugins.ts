import type { Core } from '@strapi/strapi';

const config = ({ env }: Core.Config.Shared.ConfigParams): Core.Config.Plugin => ({});

//export default config;

export default {
  email: {
    config: {
      provider: 'strapi-provider-email-nodemailer',
      providerOptions: {
        host: 'smtp.gmail.com',
        port: 587,
        auth: {
          user: 'tienda@firma.org',
          pass: 'abcdefghijklmnop',
        },
        // Opcional: TLS
        secure: false,
        tls: {
          rejectUnauthorized: false,
        },
      },
      settings: {
        defaultFrom: 'tienda@firma.org',
        defaultReplyTo: 'tienda@firma.org',
      },
    },
  },
};

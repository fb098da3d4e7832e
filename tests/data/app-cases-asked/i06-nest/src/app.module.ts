import { MailerModule } from '@nestjs-modules/mailer';
import { Module } from '@nestjs/common';

@Module({
  imports: [
    MailerModule.forRoot({
      transport: {
        host: 'email-smtp.us-west-2.amazonaws.com',
        port: 587,
        secure: false,
        auth: {
          user: 'AKIAIOSFODNN7EXAMPLE',
          pass: 'BGq8rZk3wq9LmA7xC2pV5tYbN1hJ6uD4eS0fW9kRzXvQ',
        },
      },
      defaults: {
        from: '"shop" <noreply@firma.example>',
      },
    }),
  ],
})
export class AppModule {}

import { MailerModule } from '@nest-modules/mailer';
@Module({
  imports: [SectionModule, MailerModule.forRoot({
    transport: 'smtps://someone%40gmail.com:abcdefghijklmnop@smtp.gmail.com',
    template: {
      adapter: new PugAdapter(),
      options: {
        strict: true,
      },
    },
  })],
})
export class AppModule {}

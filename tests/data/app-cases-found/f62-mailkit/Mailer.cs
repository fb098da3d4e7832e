using MailKit.Net.Smtp;
using MimeKit;

public class Mailer
{
    public async Task Send(MimeMessage message)
    {
        using (var client = new SmtpClient())
        {
            client.Connect("smtp.live.com", 587, true);

            client.AuthenticationMechanisms.Remove("XOAUTH2");

            // Note: only needed if the SMTP server requires authentication
            client.Authenticate("bureau@live.com", "ll-22-mm");

            await client.SendAsync(message);
            client.Disconnect(true);
        }
    }
}

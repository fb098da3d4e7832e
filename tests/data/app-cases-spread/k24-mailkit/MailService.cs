using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Hospital
{
    public static class MailService
    {
        public static async Task<bool[]> Send((string name, string email)[] to, string title, string content)
        {
            var message = new MimeMessage();
            message.From.Add(new MailboxAddress("宏恩綜合醫院", "web@hospital.example"));
            message.To.AddRange(to.Select(t => new MailboxAddress(t.name, t.email)));
            message.Subject = title;

            using var client = new SmtpClient();
            await client.ConnectAsync("mail.hospital.example", 25, SecureSocketOptions.None);
            await client.AuthenticateAsync("hospital_mis", "306578ooo");

            var sendTasks = to.Select(t => client.SendAsync(message));
            var results = await Task.WhenAll(sendTasks);
            await client.DisconnectAsync(true);
            return results.Select(r => r == "Ok").ToArray();
        }
    }
}

using System.Net;
using System.Net.Mail;

public class HomeController
{
    private void SendEmail(string toEmail, string subject, string body)
    {
        var fromEmail = "center@institut.example";
        var fromPassword = "abcd efgh ijkl mnop";
        var displayName = "Info Center";

        var smtpClient = new SmtpClient("smtp.gmail.com")
        {
            Port = 587,
            Credentials = new NetworkCredential(fromEmail, fromPassword),
            EnableSsl = true,
        };

        var mailMessage = new MailMessage
        {
            From = new MailAddress(fromEmail, displayName),
            Subject = subject,
            Body = body,
        };
        mailMessage.To.Add(toEmail);
        smtpClient.Send(mailMessage);
    }
}

using System.Net;
using System.Net.Mail;

class Sender
{
    void Send(MailMessage message)
    {
        var smtp = new SmtpClient
        {
            Host = "mail.example.org",
            Port = 587,
            EnableSsl = false,
            UseDefaultCredentials = false,
            Credentials = new NetworkCredential("noti@example.org", "Sol-81-ab")
        };
        smtp.Send(message);
    }
}

using System.Net;
using System.Net.Mail;

class Sender
{
    void Send(MailMessage message)
    {
        var smtp = new SmtpClient
        {
            Host = "smtp.zoho.com",
            Port = 465,
            EnableSsl = true,
            UseDefaultCredentials = false,
            Credentials = new NetworkCredential("noti@example.org", "Sol-81-ab")
        };
        smtp.Send(message);
    }
}

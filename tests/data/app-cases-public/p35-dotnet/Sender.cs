using System.Net;
using System.Net.Mail;

class Sender
{
    void Send(MailMessage message)
    {
        var smtp = new SmtpClient
        {
            Host = "smtp.gmail.com",
            Port = 587,
            EnableSsl = true,
            UseDefaultCredentials = false,
            Credentials = new NetworkCredential("hotel.desk@gmail.com", "abcd wxyz efgh qrst")
        };
        smtp.Send(message);
    }
}

using System.Net.Mail;

public class BookingMailer
{
    public async Task Confirm(string toEmail, string subject, string htmlContent, string fromEmail, string fromName, string sendGridApiKey)
    {
        var message = new MailMessage
        {
            From = new MailAddress(fromEmail!, fromName),
            Subject = subject,
            Body = htmlContent,
            IsBodyHtml = true
        };
        message.To.Add(toEmail);

        using var smtpClient = new SmtpClient("smtp.sendgrid.net", 587);
        smtpClient.Credentials = new System.Net.NetworkCredential("apikey", sendGridApiKey);
        smtpClient.EnableSsl = true;
        await smtpClient.SendMailAsync(message);
    }
}

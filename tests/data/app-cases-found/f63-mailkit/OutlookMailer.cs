using MailKit.Net.Smtp;

public static class OutlookMailer
{
    public static string Send(string fromemail, string password, MimeKit.MimeMessage message)
    {
        using (var smtpClient = new MailKit.Net.Smtp.SmtpClient())
        {
            smtpClient.ServerCertificateValidationCallback = (s, c, h, e) => true;
            smtpClient.Connect("smtp-mail.outlook.com", 587, false);
            smtpClient.Authenticate(fromemail, password);
            smtpClient.Send(message);
            smtpClient.Disconnect(true);
            return String.Empty;
        }
    }
}

Rails.application.configure do
  config.cache_classes = false

  # Use MailCatcher to inspect emails
  # => ==> smtp://127.0.0.1:1025
  config.action_mailer.delivery_method = :smtp
  config.action_mailer.smtp_settings = {host: "localhost", port: 1025}
end

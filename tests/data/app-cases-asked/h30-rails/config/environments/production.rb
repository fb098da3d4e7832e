Rails.application.configure do
  config.action_mailer.delivery_method = :smtp
  config.action_mailer.smtp_settings = {
    user_name: ENV['SENDINBLUE_USER_NAME'],
    password: ENV['SENDINBLUE_SMTP_KEY'],
    address: 'smtp-relay.sendinblue.com',
    port: '587',
    tls: true,
    authentication: :plain
  }
end

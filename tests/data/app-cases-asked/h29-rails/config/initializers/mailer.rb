ActionMailer::Base.delivery_method = :smtp
ActionMailer::Base.smtp_settings = {
  :address                => "mail.firma.example",
  :port                   => "465",
  :domain                 => "firma.example",
  :authentication         => :plain,
  :enable_starttls_auto   => true,
  :openssl_verify_mode    => "none",
  :user_name              => "notifier@firma.example",
  :password               => "Zk3wq9Lm"
}

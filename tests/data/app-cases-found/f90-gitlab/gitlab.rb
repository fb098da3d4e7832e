external_url 'https://git.virtual.example'
gitlab_rails['smtp_enable'] = true
gitlab_rails['smtp_address'] = "smtp.yandex.ru"
gitlab_rails['smtp_port'] = 465
gitlab_rails['smtp_user_name'] = "virtual-git"
gitlab_rails['smtp_password'] = "yy-42-xx"
gitlab_rails['smtp_domain'] = "yandex.ru"
gitlab_rails['gitlab_email_from'] = "virtual-git@yandex.ru"
gitlab_rails['smtp_authentication'] = "login"
gitlab_rails['smtp_tls'] = true
gitlab_rails['smtp_enable_starttls_auto'] = false
gitlab_rails['smtp_openssl_verify_mode'] = 'peer'

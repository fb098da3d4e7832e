external_url 'http://gitlab.example.cn'
 gitlab_rails['gitlab_email_enabled'] = true
 gitlab_rails['gitlab_email_from'] = 'git@163.com'
 gitlab_rails['gitlab_email_display_name'] = 'Gitlab Server '
# aliyun
 gitlab_rails['smtp_enable'] = true
 gitlab_rails['smtp_address'] = "smtp.mxhichina.com"
 gitlab_rails['smtp_port'] = 25
 gitlab_rails['smtp_user_name'] = "git@example.cn"
 gitlab_rails['smtp_password'] = "ahquaelahd"
 gitlab_rails['smtp_domain'] = "smtp.mxhichina.com"
 gitlab_rails['smtp_authentication'] = "plain"
 gitlab_rails['smtp_enable_starttls_auto'] = false
#163
gitlab_rails['smtp_enable'] = true
gitlab_rails['smtp_address'] = "smtp.163.com"
gitlab_rails['smtp_port'] = 465
gitlab_rails['smtp_user_name'] = "git@163.com"
gitlab_rails['smtp_password'] = "ahquaelahd"
gitlab_rails['smtp_domain'] = "163.com"
gitlab_rails['smtp_authentication'] = "login"
gitlab_rails['smtp_enable_starttls_auto'] = true
gitlab_rails['smtp_tls'] = true

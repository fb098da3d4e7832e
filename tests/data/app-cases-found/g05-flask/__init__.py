from flask import Flask
from flask_mail import Mail
app = Flask(__name__)
app.config['MAIL_SERVER'] = 'mail.privateemail.com'
app.config['MAIL_USE_SSL'] = True
app.config['MAIL_PORT'] = 587  # or the appropriate SSL port
app.config['MAIL_USERNAME'] = 'hello@prudens.example'
app.config['MAIL_PASSWORD'] = 'zz-72-pp'
app.config['MAIL_USE_TLS'] = False

# Initialize Flask-Mail
mail = Mail(app)
mail.smtp_ssl = True

from flask import Flask
from flask_mail import Mail

app = Flask(__name__)
# MAIL CONFIG
app.config['MAIL_SERVER'] = "smtp.gmail.com"
app.config['MAIL_USERNAME'] = "talk.messenger@gmail.com"
app.config['MAIL_PASSWORD'] = "abcdefghijklmnop"
app.config['MAIL_DEFAULT_SENDER'] = ("talk", "talk.messenger@gmail.com")
app.config['MAIL_PORT'] = 465
app.config['MAIL_USE_SSL'] = True
app.config['MAIL_USE_TLS'] = False

mail = Mail(app)

from flask import Flask
from flask_mail import Mail, Message
import os

app = Flask(__name__)
app.config['MAIL_SERVER'] = os.environ.get('MAIL_SERVER', 'smtp.gmail.com')
app.config['MAIL_USERNAME'] = os.environ.get('MAIL_USERNAME', 'someone@gmail.com')
app.config['MAIL_PASSWORD'] = os.environ.get('MAIL_PASSWORD')
app.config['MAIL_PORT'] = int(os.environ.get('MAIL_PORT', '465'))
app.config['MAIL_USE_TLS'] = bool(os.environ.get('MAIL_USE_TLS', 'False'))
app.config['MAIL_USE_SSL'] = bool(os.environ.get('MAIL_USE_SSL', 'True'))
mail = Mail(app)

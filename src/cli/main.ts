/** Entry of the `moonhook` command. */
process.stdout.write('moonhook\n');

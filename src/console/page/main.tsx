/** Entry of the page. */
import { render } from 'preact';
import { takeToken } from './api.ts';
import { App } from './app.tsx';
import './style.css';

const place = document.getElementById('app');
await takeToken();
if (place !== null) render(<App />, place);

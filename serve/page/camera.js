import { $, say } from './dom.js';

let stream = null;

function stop() {
  stream?.getTracks().forEach(t => t.stop());
  stream = null;
}

// start shows what the camera sees. Where the page may not use it, the device's
// own program takes the picture, or it is chosen from files.
async function start() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  } catch (e) {
    if (navigator.mediaDevices) say(e.name === 'NotFoundError' ? 'There is no camera.' : 'The camera cannot be used: ' + e.message, true);
    $('shot').click();
    return;
  }
  $('video').srcObject = stream;
  $('film').showModal();
  await $('video').play();
}

// onPicture calls take with the pictures that the camera takes.
export function onPicture(take) {
  $('camera').onclick = start;
  $('shot').onchange = e => { take(e.target.files); e.target.value = ''; };
  $('close').onclick = () => $('film').close();
  $('film').onclose = stop;
  $('shoot').onclick = () => {
    const video = $('video');
    const canvas = Object.assign(document.createElement('canvas'), { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext('2d').drawImage(video, 0, 0);
    $('film').close();
    canvas.toBlob(blob => take([new File([blob], 'camera.jpg', { type: blob.type })]), 'image/jpeg', 0.92);
  };
}

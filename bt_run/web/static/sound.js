// A short tone. A browser lets a page make one only after a person has touched it.
export class Sound {
  play() {
    if (navigator.userActivation?.hasBeenActive === false) return;
    this.context ??= new AudioContext();
    const start = this.context.currentTime, tone = this.context.createOscillator(), volume = this.context.createGain();
    tone.frequency.value = 880;
    volume.gain.setValueAtTime(0.15, start);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.25);
    tone.connect(volume).connect(this.context.destination);
    tone.start(start);
    tone.stop(start + 0.25);
  }
}

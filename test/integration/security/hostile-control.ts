import type { SessionOfferDetails, SessionOpening } from "../../../packages/control/src/cloud/ports.ts";
import { RemoteStream } from "../../../packages/control/src/cloud/services/remote-stream.ts";
import { TenantStream } from "../../../packages/control/src/cloud/services/tenant-stream.ts";

/** The control plane of a cloud redirector in this process, in the hands of whoever owns its memory. */
export class HostileControl implements Disposable {
  /** What tenants are offered in place of the truth. */
  onOffer: (offer: SessionOfferDetails) => SessionOfferDetails = (offer) => offer;
  /** What operators are told in place of the truth. */
  onOpened: (opening: SessionOpening) => SessionOpening = (opening) => opening;
  readonly #undo: (() => void)[];

  constructor() {
    // eslint-disable-next-line @typescript-eslint/unbound-method
    const [control, offerSession, opened] = [this, TenantStream.prototype.offerSession, RemoteStream.prototype.opened];
    TenantStream.prototype.offerSession = function offer(details) {
      offerSession.call(this, control.onOffer(details));
    };
    RemoteStream.prototype.opened = function open(opening) {
      opened.call(this, control.onOpened(opening));
    };
    this.#undo = [
      () => (TenantStream.prototype.offerSession = offerSession),
      () => (RemoteStream.prototype.opened = opened),
    ];
  }

  /** Tells the truth again. */
  relent(): void {
    this.onOffer = (offer) => offer;
    this.onOpened = (opening) => opening;
  }

  [Symbol.dispose](): void {
    for (const undo of this.#undo) undo();
  }
}

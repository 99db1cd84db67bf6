public import Compute
internal import Concurrency

/// What encoding or decoding a picture takes beside the mapped weights.
public struct CodingForecast: Sendable {
  /// Bytes of activations that are alive at one time on the host, input and output included.
  public let activationByteCount: Int
  /// Bytes of buffers that layers borrow there, of all threads together.
  public let scratchByteCount: Int
  /// Bytes of the same where a device computes it: maps are whole there, and layers make copies.
  public let deviceByteCount: Int
  /// Arithmetic of the layers.
  public let work: Work
  /// Whether a device computes it, as far as is known.
  private let isOnDevice: Bool

  /// Bytes of all where it is computed.
  public var byteCount: Int {
    isOnDevice ? deviceByteCount : activationByteCount + scratchByteCount
  }

  /// Seconds of it on this machine, from a trial of its speed.
  public func seconds() -> Double { work.seconds(tokens: 768, on: PixelEngine.current.engine) }

  init(
    _ network: PixelNetwork, height: Int, width: Int, channels: Int, pictureByteCount: Int
  ) {
    let ledger = WorkLedger()
    activationByteCount =
      pictureByteCount + network.peakByteCount(height: height, width: width, channels: channels)
    deviceByteCount = network.tensorByteCount(height: height, width: width, channels: channels)
    network.enter(
      PlanningEngine(ledger, for: .ofAutoencoders), height: height, width: width, channels: channels
    )
    scratchByteCount = ledger.scratchByteCount(threads: Parallel.threadCount)
    work = ledger.work
    isOnDevice = if case .tensors = PixelEngine.current { true } else { false }
  }
}

package import Compute
internal import Concurrency
package import Tensors

/// A square 2D convolution with bias, of weights in their file's dtype; see ``PixelConvolution``.
package struct Convolution: Sendable {
  let pixels: PixelConvolution

  /// Channels of the input.
  package var inChannels: Int { pixels.inChannels }
  /// Channels of the output.
  package var outChannels: Int { pixels.outChannels }
  var filter: PixelFilter { pixels.filter }

  /// Bytes that pixels take which wait to be written over what they were made of.
  static let waitingByteCount = 8 << 20

  /// A convolution with this weight: `[outChannels, inChannels, size, size]`, or `[…, time, size, size]` of a
  /// causal 3D convolution.
  package init(weight: StoredWeight, bias: [Float], sampling: Resampling = .same) {
    pixels = PixelConvolution(weight: Weight(weight), bias: bias, sampling: sampling)
  }

  /// The convolution of a map whose pixels are prepared as they are read.
  package func callAsFunction(
    _ x: borrowing FeatureMap, preparing preparation: Preparation = .none,
    on engine: HostEngine = HostEngine()
  ) -> FeatureMap {
    var y = FeatureMap(
      height: filter.outputSize(x.height), width: filter.outputSize(x.width),
      channels: outChannels)
    write(x, preparing: preparation, on: engine, into: &y, accumulating: false)
    return y
  }

  /// Adds the convolution of a map to another.
  package func add(
    _ x: borrowing FeatureMap, preparing preparation: Preparation, on engine: HostEngine,
    to y: inout FeatureMap
  ) {
    write(x, preparing: preparation, on: engine, into: &y, accumulating: true)
  }

  private func write(
    _ x: borrowing FeatureMap, preparing preparation: Preparation, on engine: HostEngine,
    into y: inout FeatureMap, accumulating: Bool
  ) {
    precondition(x.channels == inChannels && y.channels == outChannels, "channels must agree")
    precondition(y.height == filter.outputSize(x.height), "heights must agree")
    precondition(y.width == filter.outputSize(x.width), "widths must agree")
    unsafe engine.convolve(
      PixelView(start: x.start, height: x.height, width: x.width),
      preparing: { from, to, count in
        unsafe preparation.apply(from, to, pixels: count, channels: inChannels)
      }, pixels, into: y.mutableStart, accumulating: accumulating)
  }

  /// A 1x1 convolution to no more channels than the input has, written where the input was: a copy
  /// of a picture's largest map is never alive beside it.
  package func replacing(
    _ x: consuming FeatureMap, on engine: HostEngine = HostEngine()
  ) -> FeatureMap {
    let (k, n) = (inChannels, outChannels)
    precondition(n <= k && x.channels == k, "pixels must become no larger")
    let count = x.height * x.width
    let portion = max(1, Self.waitingByteCount / (4 * n))
    let memory = unsafe x.mutableStart
    unsafe Scratch.withFloats(min(count, portion) * n) { waiting in
      // What a portion writes lies before what the next one reads.
      for first in stride(from: 0, to: count, by: portion) {
        let width = min(portion, count - first)
        unsafe engine.convolve(
          PixelView(start: memory + first * k, height: 1, width: width),
          preparing: { from, to, count in unsafe to.update(from: from, count: count * k) },
          pixels, into: waiting, accumulating: false)
        unsafe (memory + first * n).update(from: waiting, count: width * n)
      }
    }
    x.keepChannels(n)
    return x
  }
}

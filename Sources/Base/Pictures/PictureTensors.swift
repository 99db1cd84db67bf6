/// Pictures as models see them: `[3, height, width]`, from -1 (black) to 1.
///
/// Source: diffusers, `src/diffusers/image_processor.py`, `VaeImageProcessor.preprocess`
/// and `postprocess`.
extension Picture {
  /// Elements `[3, height, width]`: sample / 127.5 - 1.
  public func normalized() -> [Float] {
    let pixelCount = width * height
    let samples = pixels.span
    return unsafe [Float](unsafeUninitializedCapacity: 3 * pixelCount) { elements, count in
      for channel in 0..<3 {
        for pixel in 0..<pixelCount {
          unsafe elements.initializeElement(
            at: channel * pixelCount + pixel, to: Float(samples[3 * pixel + channel]) / 127.5 - 1)
        }
      }
      count = 3 * pixelCount
    }
  }

  /// The picture of elements `[3, height, width]`: (element / 2 + 0.5) clamped to [0, 1], times
  /// 255, rounded to the nearest, ties to even. NaN becomes 0.
  public init(normalized elements: Span<Float>, width: Int, height: Int) {
    let pixelCount = width * height
    precondition(elements.count == 3 * pixelCount, "elements must be [3, height, width]")
    var pixels = [UInt8](repeating: 0, count: 3 * pixelCount)
    for channel in 0..<3 {
      for pixel in 0..<pixelCount {
        // This order of arguments gives 0 for NaN, which no comparison holds for.
        let unit = min(1, max(0, elements[channel * pixelCount + pixel] / 2 + 0.5))
        let sample = unit > 0 ? (unit * 255).rounded(.toNearestOrEven) : 0
        pixels[3 * pixel + channel] = UInt8(sample)
      }
    }
    self.init(width: width, height: height, pixels: pixels)
  }
}

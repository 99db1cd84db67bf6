extension Picture {
  /// This picture scaled to `width` x `height`, its shape not kept: antialiased, as Pillow's
  /// `resize(size, filter)`, to the same bytes as its versions that always begin with the rows (11.3
  /// among them).
  public func resized(width: Int, height: Int, filter: ResamplingFilter = .lanczos) -> Picture {
    resampled(
      x: 0, y: 0, sourceWidth: Double(self.width), sourceHeight: Double(self.height),
      width: width, height: height, filter: filter)
  }

  /// The middle of this picture, `width` x `height` of its pixels; the odd one more is left out on the right and
  /// below.
  public func cut(width: Int, height: Int) -> Picture {
    precondition(width <= self.width && height <= self.height, "a part of the picture")
    let (left, top) = ((self.width - width) / 2, (self.height - height) / 2)
    let rows = (top..<top + height).map { row in
      pixels[(row * self.width + left) * 3..<(row * self.width + left + width) * 3]
    }
    return Picture(width: width, height: height, pixels: rows.flatMap(\.self))
  }

  /// This picture cropped about its centre to the shape of `width` x `height` and scaled to that,
  /// as Pillow's `ImageOps.fit(picture, size, LANCZOS)`.
  ///
  /// Source: Pillow, `src/PIL/ImageOps.py`, `fit`.
  public func croppedToFill(width: Int, height: Int) -> Picture {
    let (sourceWidth, sourceHeight) = (Double(self.width), Double(self.height))
    let sourceRatio = sourceWidth / sourceHeight
    let ratio = Double(width) / Double(height)
    let cropWidth = sourceRatio > ratio ? ratio * sourceHeight : sourceWidth
    let cropHeight = sourceRatio < ratio ? sourceWidth / ratio : sourceHeight
    return resampled(
      x: (sourceWidth - cropWidth) / 2, y: (sourceHeight - cropHeight) / 2,
      sourceWidth: cropWidth, sourceHeight: cropHeight, width: width, height: height)
  }

  /// Scales the rectangle at (x, y) of the source: first rows, then columns, each rounded to 8 bits.
  private func resampled(
    x: Double, y: Double, sourceWidth: Double, sourceHeight: Double, width: Int, height: Int,
    filter: ResamplingFilter = .lanczos
  ) -> Picture {
    precondition(width > 0 && height > 0, "a picture has at least one pixel")
    let columns = ResamplingWeights(
      from: x, to: x + sourceWidth, of: self.width, outputCount: width, filter)
    let rows = ResamplingWeights(
      from: y, to: y + sourceHeight, of: self.height, outputCount: height, filter)
    var pixels = self.pixels
    if !columns.isIdentity {
      pixels = scaleRows(pixels, by: columns, needed: rows.inputRange)
    }
    if !rows.isIdentity {
      pixels = scaleColumns(pixels, by: rows, rowByteCount: width * 3)
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// Pixels `[height, width, 3]` to `[height, outputCount, 3]`; rows that aren't needed stay zero.
  private func scaleRows(
    _ pixels: [UInt8], by weights: ResamplingWeights, needed: Range<Int>
  ) -> [UInt8] {
    let source = pixels.span
    var output = [UInt8](repeating: 0, count: height * weights.outputCount * 3)
    var target = output.mutableSpan
    for row in needed {
      for x in 0..<weights.outputCount {
        let inputs = weights.inputs[x]
        var sums: (Int32, Int32, Int32) = (0, 0, 0)
        var from = (row * width + inputs.lowerBound) * 3
        for tap in 0..<inputs.count {
          let weight = weights[x, tap]
          sums.0 &+= weight &* Int32(source[from])
          sums.1 &+= weight &* Int32(source[from + 1])
          sums.2 &+= weight &* Int32(source[from + 2])
          from += 3
        }
        let to = (row * weights.outputCount + x) * 3
        target[to] = ResamplingWeights.sample(sums.0)
        target[to + 1] = ResamplingWeights.sample(sums.1)
        target[to + 2] = ResamplingWeights.sample(sums.2)
      }
    }
    return output
  }

  /// Pixels `[height, rowByteCount]` to `[outputCount, rowByteCount]`.
  private func scaleColumns(
    _ pixels: [UInt8], by weights: ResamplingWeights, rowByteCount: Int
  ) -> [UInt8] {
    let source = pixels.span
    var output = [UInt8](repeating: 0, count: weights.outputCount * rowByteCount)
    var target = output.mutableSpan
    var sums = [Int32](repeating: 0, count: rowByteCount)
    for y in 0..<weights.outputCount {
      let inputs = weights.inputs[y]
      for i in 0..<rowByteCount { sums[i] = 0 }
      for tap in 0..<inputs.count {
        let weight = weights[y, tap]
        let from = (inputs.lowerBound + tap) * rowByteCount
        for i in 0..<rowByteCount { sums[i] &+= weight &* Int32(source[from + i]) }
      }
      for i in 0..<rowByteCount { target[y * rowByteCount + i] = ResamplingWeights.sample(sums[i]) }
    }
    return output
  }
}

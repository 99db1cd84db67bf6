internal import CKernels
internal import Compute
internal import Concurrency

/// The loops of one convolution over strips of rows, several strips at a time.
///
/// A strip's input is prepared into padded planes in scratch memory, each tap multiplies a shifted
/// view of a plane into the strip's sums, and the sums go to the output with the bias. Strips depend
/// on the shapes alone, and so do the results.
@safe struct ConvolutionStrips {
  let pattern: ResamplingPattern
  let preparation: Preparation
  /// `[taps, outChannels, inChannels]`.
  let weights: UnsafePointer<Float>
  let bias: UnsafePointer<Float>
  let input: UnsafePointer<Float>
  let height: Int
  let width: Int
  let inChannels: Int
  let output: UnsafeMutablePointer<Float>
  let outChannels: Int
  /// Whether the result is added to what the output holds.
  let accumulates: Bool

  private var cellRows: Int { height / pattern.inputStep }
  private var cellColumns: Int { width / pattern.inputStep }
  /// Cells in a row of a plane, padding included; sums have as many, of which the last are unused.
  private var pitch: Int { cellColumns + pattern.reach }
  private var planeCount: Int { pattern.inputStep * pattern.inputStep }
  private func planeFloats(_ rows: Int) -> Int { (rows + pattern.reach) * pitch * inChannels }

  func run(stripFloats: Int) {
    let floatsPerRow = pitch * (planeCount * inChannels + outChannels)
    let limit = max(1, stripFloats / max(floatsPerRow, 1))
    // A few strips even of a small picture, for several threads.
    let strips = max((cellRows + limit - 1) / limit, min(cellRows, 4))
    let rows = (cellRows + strips - 1) / max(strips, 1)
    let taps = pattern.phases.reduce(0) { $0 + $1.taps.count }
    let work = 2 * taps * cellRows * cellColumns * inChannels * outChannels
    Parallel.forEachRange(of: cellRows, size: max(rows, 1), work: work) { rows in
      strip(rows)
    }
  }

  private func strip(_ rows: Range<Int>) {
    let planeFloats = self.planeFloats(rows.count)
    let sumFloats = rows.count * pitch * outChannels
    unsafe Scratch.withFloats(planeCount * planeFloats + sumFloats) { scratch in
      for plane in 0..<planeCount {
        unsafe fill(plane, rows, scratch + plane * planeFloats)
      }
      let sums = unsafe scratch + planeCount * planeFloats
      var tapIndex = 0
      for phase in pattern.phases {
        for (index, tap) in phase.taps.enumerated() {
          unsafe multiplyOnOneThread(
            m: rows.count * pitch - pattern.reach, n: outChannels, k: inChannels,
            MatrixView(
              start: scratch + tap.plane * planeFloats + (tap.dy * pitch + tap.dx) * inChannels,
              stride: inChannels),
            transposeA: false,
            MatrixView(
              start: weights + tapIndex * outChannels * inChannels, stride: inChannels),
            transposeB: true, accumulate: index > 0,
            into: MutableMatrixView(start: sums, stride: outChannels))
          tapIndex += 1
        }
        unsafe store(phase, rows, sums)
      }
    }
  }

  /// Prepares the input of a strip into one plane, with zeros around the picture.
  private func fill(_ plane: Int, _ rows: Range<Int>, _ to: UnsafeMutablePointer<Float>) {
    let (step, lead) = (pattern.inputStep, pattern.lead)
    let (planeRow, planeColumn) = (plane / step, plane % step)
    let lineFloats = pitch * inChannels
    for row in 0..<rows.count + pattern.reach {
      let line = unsafe to + row * lineFloats
      let y = step * (rows.lowerBound + row) + planeRow - lead
      guard y >= 0, y < height else {
        unsafe line.update(repeating: 0, count: lineFloats)
        continue
      }
      let source = unsafe input + y * width * inChannels
      if step == 1 {
        unsafe line.update(repeating: 0, count: lead * inChannels)
        unsafe preparation.apply(
          source, line + lead * inChannels, pixels: width, channels: inChannels)
        let used = (lead + width) * inChannels
        unsafe (line + used).update(repeating: 0, count: lineFloats - used)
        continue
      }
      for column in 0..<pitch {
        let x = step * column + planeColumn - lead
        let cell = unsafe line + column * inChannels
        if x >= 0, x < width {
          unsafe preparation.apply(
            source + x * inChannels, cell, pixels: 1, channels: inChannels)
        } else {
          unsafe cell.update(repeating: 0, count: inChannels)
        }
      }
    }
  }

  /// Writes a phase's sums to its pixels of the output.
  private func store(
    _ phase: ResamplingPattern.Phase, _ rows: Range<Int>, _ sums: UnsafePointer<Float>
  ) {
    let step = pattern.outputStep
    let outputWidth = pattern.outputSize(width)
    for row in rows {
      let first = (step * row + phase.row) * outputWidth + phase.column
      unsafe storePixels(
        sums + (row - rows.lowerBound) * pitch * outChannels, bias,
        output + first * outChannels, pixels: cellColumns, channels: outChannels,
        stride: step * outChannels, accumulates: accumulates)
    }
  }
}

/// y = x + bias, or y += x + bias, for pixels whose places in y lie `stride` elements apart.
func storePixels(
  _ x: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  pixels: Int, channels: Int, stride: Int, accumulates: Bool
) {
  unsafe ck_store_pixels(x, bias, y, pixels, channels, stride, accumulates ? 1 : 0)
}

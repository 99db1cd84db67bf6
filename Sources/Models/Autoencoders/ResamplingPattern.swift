/// How the pixels that a convolution writes lie to those it reads.
package enum Resampling: Sendable {
  /// As many pixels, padded on all sides.
  case same
  /// Half as many each way: stride 2, padded by one pixel on the right and at the bottom.
  case halved
  /// Twice as many each way: nearest-neighbour doubling, then a convolution padded on all sides.
  case doubled
}

/// A convolution as sums of matrix products over shifted planes of its input.
///
/// Input pixels are laid out in planes of pixels `inputStep` apart, so that what a tap sees of
/// consecutive output pixels is consecutive too: a matrix that needs no copy. The output comes in
/// phases, pixels `outputStep` apart. A doubled picture never exists: each of its four phases is a
/// 2x2 convolution of the original, with weights summed where taps fall on the same pixel, which
/// takes 4/9 of the arithmetic.
///
/// A *cell* is one output pixel of a phase: row i, column j of a phase reads a plane at row i + dy,
/// column j + dx.
struct ResamplingPattern: Sendable {
  /// One product: the weights of these kernel rows and columns, summed, times a shifted plane.
  struct Tap: Sendable {
    var plane: Int
    var dy: Int
    var dx: Int
    var kernelRows: Range<Int>
    var kernelColumns: Range<Int>
  }

  /// The output pixels at rows `outputStep · i + row`, columns `outputStep · j + column`.
  struct Phase: Sendable {
    var row: Int
    var column: Int
    var taps: [Tap]
  }

  let inputStep: Int
  let outputStep: Int
  /// Rows and columns of zeros before the picture.
  let lead: Int
  /// Largest dy and dx.
  let reach: Int
  let phases: [Phase]

  init(_ sampling: Resampling, kernelSize: Int) {
    switch sampling {
    case .same:
      (inputStep, outputStep, lead, reach) = (1, 1, kernelSize / 2, kernelSize - 1)
    case .halved:
      (inputStep, outputStep, lead, reach) = (2, 1, 0, (kernelSize - 1) / 2)
    case .doubled:
      (inputStep, outputStep, lead, reach) = (1, 2, kernelSize / 2, kernelSize - 1)
    }
    precondition(sampling != .doubled || kernelSize == 3, "only 3x3 kernels follow a doubling")
    let step = inputStep
    phases =
      sampling == .doubled
      ? [(0, 0), (0, 1), (1, 0), (1, 1)].map { row, column in
        Phase(row: row, column: column, taps: Self.doubledTaps(row: row, column: column))
      }
      : [
        Phase(
          row: 0, column: 0,
          taps: (0..<kernelSize * kernelSize).map { index in
            let (y, x) = (index / kernelSize, index % kernelSize)
            return Tap(
              plane: y % step * step + x % step, dy: y / step, dx: x / step,
              kernelRows: y..<y + 1, kernelColumns: x..<x + 1)
          })
      ]
  }

  /// Row 2y of a doubled picture lies over rows y-1, y, y of the original, row 2y+1 over y, y, y+1.
  private static func doubledTaps(row: Int, column: Int) -> [Tap] {
    func axis(_ parity: Int) -> [(offset: Int, kernel: Range<Int>)] {
      parity == 0 ? [(0, 0..<1), (1, 1..<3)] : [(1, 0..<2), (2, 2..<3)]
    }
    return axis(row).flatMap { y in
      axis(column).map { x in
        Tap(
          plane: 0, dy: y.offset, dx: x.offset, kernelRows: y.kernel, kernelColumns: x.kernel)
      }
    }
  }

  /// Size of the output of an input of some height or width.
  func outputSize(_ size: Int) -> Int { size / inputStep * outputStep }

  /// Rows of an input of some height that rows of the output depend on.
  func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
    let cells = rows.lowerBound / outputStep..<(rows.upperBound + outputStep - 1) / outputStep
    var first = inputStep * cells.lowerBound - lead
    var end = inputStep * (cells.upperBound - 1) + inputStep * reach - lead + 1
    if outputStep == 2 {
      // The outer rows of cells that are only half asked for need less.
      if rows.lowerBound % 2 == 1 { first += 1 }
      if rows.upperBound % 2 == 1 { end -= 1 }
    }
    return max(0, first)..<min(height, end)
  }
}

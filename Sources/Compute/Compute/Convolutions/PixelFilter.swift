internal import CKernels

/// How the pixels that a convolution writes lie to those it reads.
package enum Resampling: Sendable {
  /// As many pixels, padded on all sides.
  case same
  /// Half as many each way: stride 2, padded by one pixel on the right and at the bottom.
  case halved
  /// Twice as many each way: nearest-neighbour doubling, then a convolution padded on all sides.
  case doubled
}

/// A convolution as products at positions of tiles; see `CKernelsFilters.h`. Of three by three taps it takes
/// 4/9 of the multiplications, after a doubling, whose picture never exists, 1/4.
package struct PixelFilter: Sendable, Equatable {
  /// As the kernels have it.
  let kernels: ck_filter
  /// Taps along an axis.
  package let taps: Int
  /// Numbers along an axis that are multiplied, which are of as many pixels.
  let numbers: Int
  /// Pixels along an axis of a tile of the output.
  let tileSize: Int
  /// Pixels along an axis of the input from one tile to the next.
  let step: Int
  /// Pixels along an axis that the first tile reads before the picture.
  let lead: Int

  /// How output and input pixels lie to each other.
  package var sampling: Resampling {
    step > tileSize ? .halved : step < tileSize ? .doubled : .same
  }

  /// A filter of one tap or of three.
  package init(_ sampling: Resampling, kernelSize: Int) {
    precondition(
      kernelSize == 3 || kernelSize == 1 && sampling == .same,
      "kernels have three taps along an axis, or one where the size stays")
    taps = kernelSize
    switch sampling {
    case .same where kernelSize == 1:
      (kernels, numbers, tileSize, step, lead) = (CK_FILTER_POINT, 1, 1, 1, 0)
    case .same: (kernels, numbers, tileSize, step, lead) = (CK_FILTER_SAME, 4, 2, 2, 1)
    case .halved: (kernels, numbers, tileSize, step, lead) = (CK_FILTER_HALVED, 3, 1, 2, 0)
    case .doubled: (kernels, numbers, tileSize, step, lead) = (CK_FILTER_DOUBLED, 3, 2, 1, 1)
    }
  }

  /// Positions of a tile.
  var positions: Int { numbers * numbers }

  /// Size of the output of an input of some height or width.
  package func outputSize(_ size: Int) -> Int {
    step > tileSize ? size / 2 : step < tileSize ? size * 2 : size
  }

  /// Tiles along an axis of an input of some height or width.
  func tileCount(_ size: Int) -> Int { (outputSize(size) + tileSize - 1) / tileSize }

  /// Pixels along an axis that so many tiles read.
  func pixelCount(tiles: Int) -> Int { step * (tiles - 1) + numbers }

  /// Rows of an input of some height that rows of the output depend on. They begin where tiles of the whole
  /// input do, so that they give the same bits.
  package func inputRows(for rows: Range<Int>, height: Int) -> Range<Int> {
    let (first, last) = (rows.lowerBound / tileSize, (rows.upperBound - 1) / tileSize)
    var (start, end) = (step * first - lead, step * last - lead + numbers)
    // Half a tile needs less.
    if tileSize == 2 {
      start += rows.lowerBound % 2
      end -= rows.upperBound % 2
    }
    return max(0, start) / step * step..<min(height, end)
  }
}

extension ck_filter: @retroactive Equatable {}

internal import Compute

extension PixelNetwork {
  /// Rows of a band of the banded layers' output, for their input; nil when one band is enough.
  func bandHeight(of x: borrowing FeatureMap) -> Int? {
    bandHeight(inputHeight: x.height, inputWidth: x.width)
  }

  func bandHeight(inputHeight: Int, inputWidth: Int) -> Int? {
    var (height, width) = (inputHeight, inputWidth)
    var pixels = height * width
    for layer in layers[bandedLayers] {
      (height, width) = (layer.outputSize(height), layer.outputSize(width))
      pixels = max(pixels, height * width)
    }
    let bands = (pixels + bandPixels - 1) / bandPixels
    return bandedLayers.isEmpty || bands < 2 ? nil : (height + bands - 1) / bands
  }

  /// The rows of every banded layer's input, and of the last one's output, that a band of output
  /// rows depends on.
  func rowsNeeded(for band: Range<Int>, heights: [Int]) -> [Range<Int>] {
    var needed = [band]
    for (layer, height) in zip(layers[bandedLayers], heights).reversed() {
      needed.append(layer.inputRows(for: needed[needed.count - 1], height: height))
    }
    return needed.reversed()
  }

  /// Heights of every banded layer's input.
  func bandedHeights(from height: Int) -> [Int] {
    var heights: [Int] = []
    var height = height
    for layer in layers[bandedLayers] {
      heights.append(height)
      height = layer.outputSize(height)
    }
    return heights
  }

  /// The banded layers' output for their whole input, computed some rows at a time.
  func inBands(
    _ x: consuming FeatureMap, rows bandHeight: Int, on engine: PixelEngine
  ) -> FeatureMap {
    let heights = bandedHeights(from: x.height)
    var (height, width, channels) = (x.height, x.width, x.channels)
    for layer in layers[bandedLayers] {
      (height, width) = (layer.outputSize(height), layer.outputSize(width))
      channels = layer.outputChannels(channels)
    }
    var output = FeatureMap(height: height, width: width, channels: channels)
    for first in stride(from: 0, to: height, by: bandHeight) {
      let needed = rowsNeeded(for: first..<min(height, first + bandHeight), heights: heights)
      output.replaceRows(from: first, with: band(of: x, needed, on: engine))
    }
    return output
  }

  /// The output rows `needed.last` from the input rows `needed.first`.
  ///
  /// A layer pads its window as if the picture ended there. What that makes wrong at a cut lies
  /// outside the rows that the next layer needs, and is dropped.
  private func band(
    of x: borrowing FeatureMap, _ needed: [Range<Int>], on engine: PixelEngine
  ) -> FeatureMap {
    var window = x.copy(ofRows: needed[0])
    for (index, layer) in layers[bandedLayers].enumerated() {
      let first = layer.outputSize(needed[index].lowerBound)
      window = layer(window, on: engine)
      let wanted = needed[index + 1]
      window.keepRows(wanted.lowerBound - first..<wanted.upperBound - first)
    }
    return window
  }
}

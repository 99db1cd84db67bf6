internal import Compute

extension PixelNetwork {
  /// Enters what the layers compute and borrow for an input of this size. Rows that bands share count once.
  func enter(_ engine: PlanningEngine, height: Int, width: Int, channels: Int) {
    var shape = MapShape(height: height, width: width, channels: channels)
    for layer in layers {
      layer.enter(engine, shape)
      shape = shape.after(layer)
    }
  }

  /// Most bytes of activations that are alive at one time, input and output included, for an input
  /// of this size. Scratch memory comes on top.
  func peakByteCount(height: Int, width: Int, channels: Int) -> Int {
    var shape = MapShape(height: height, width: width, channels: channels)
    var peak = shape.byteCount
    var index = 0
    while index < layers.count {
      if index == bandedLayers.lowerBound,
        let rows = bandHeight(inputHeight: shape.height, inputWidth: shape.width)
      {
        peak = max(peak, bandedPeak(shape, rows: rows))
        for layer in layers[bandedLayers] { shape = shape.after(layer) }
        index = bandedLayers.upperBound
      } else {
        peak = max(peak, shape.peak(in: layers[index]))
        shape = shape.after(layers[index])
        index += 1
      }
    }
    return peak
  }

  /// Most bytes of maps that are alive at one time on an engine with maps as tensors: normalising takes three more of
  /// them, and attention a tile of scores.
  func tensorByteCount(height: Int, width: Int, channels: Int) -> Int {
    var shape = MapShape(height: height, width: width, channels: channels)
    var peak = 0
    for layer in layers {
      peak = max(peak, shape.tensorPeak(in: layer))
      shape = shape.after(layer)
    }
    return peak
  }

  private func bandedPeak(_ input: MapShape, rows: Int) -> Int {
    let output = layers[bandedLayers].reduce(input) { $0.after($1) }
    let heights = bandedHeights(from: input.height)
    var peak = 0
    for first in stride(from: 0, to: output.height, by: rows) {
      let needed = rowsNeeded(for: first..<min(output.height, first + rows), heights: heights)
      var window = input
      for (layer, rows) in zip(layers[bandedLayers], needed) {
        window.height = rows.count
        peak = max(peak, window.peak(in: layer))
        window = window.after(layer)
      }
    }
    return input.byteCount + output.byteCount + peak
  }
}

/// The size of a ``FeatureMap``.
private struct MapShape {
  var height: Int
  var width: Int
  var channels: Int

  var byteCount: Int { 4 * height * width * channels }

  func after(_ layer: PixelLayer) -> MapShape {
    MapShape(
      height: layer.outputSize(height), width: layer.outputSize(width),
      channels: layer.outputChannels(channels))
  }

  /// Bytes alive in a layer that gets a map of this size, on an engine with maps as tensors.
  func tensorPeak(in layer: PixelLayer) -> Int {
    let output = after(layer).byteCount
    switch layer {
    // Doubled or padded, and as it was.
    case .convolution(let convolution, let norm):
      let isResampled = convolution.filter.sampling != .same
      return byteCount * (norm == nil ? 1 : 4) + (isResampled ? 5 * byteCount : 0) + 2 * output
    // In front of its first convolution, or of its second.
    case .residual: return max(4 * byteCount + 2 * output, byteCount + 7 * output)
    case .attention: return 7 * byteCount + 12 * min(1 << 26, height * width * height * width)
    }
  }

  /// Bytes alive in a layer that gets a map of this size.
  func peak(in layer: PixelLayer) -> Int {
    let output = after(layer).byteCount
    switch layer {
    case .convolution: return byteCount + output
    case .residual: return byteCount + output + (output > byteCount ? output : 0)
    // x, its norm, query, key, value, the attended values and their projection.
    case .attention: return 7 * byteCount
    }
  }
}

extension PixelLayer {
  /// Enters what the layer computes and borrows for a map of this size.
  fileprivate func enter(_ engine: PlanningEngine, _ shape: MapShape) {
    switch self {
    case .convolution(let convolution, _):
      engine.convolve(convolution.pixels, height: shape.height, width: shape.width)
    case .residual(let block):
      for convolution in [block.conv1, block.conv2, block.shortcut].compactMap(\.self) {
        engine.convolve(convolution.pixels, height: shape.height, width: shape.width)
      }
    case .attention(let block):
      _ = block.change(
        engine.placeholder([shape.height * shape.width, shape.channels]), on: engine)
    }
  }
}

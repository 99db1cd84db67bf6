package import Compute

/// What fits into the device's memory.
extension TorchEngine {
  /// For PyTorch's own buffers, adapters, what is made inside primitives, and what its allocator leaves between
  /// tensors: steps of three blocks of FLUX.1's width took up to 1.3 GB more than their plan on a processor.
  private static let reserve = 3 << 29

  package func freeByteCount(beside layers: PassLayers) -> Int? {
    guard let (free, total) = session.byteCounts else { return nil }
    return max(0, free - weights(of: layers, total: total) - Self.reserve)
  }

  /// Layers that act on one vector a pass make vectors for all steps of a timestep; their weights, a quarter of
  /// FLUX.1's and a third of Qwen-Image's, stay on the host where all together would take more than 70 % of the
  /// device's memory. That depends on the model and the device alone: it decides the last bits.
  package func admit(_ layers: PassLayers, beside byteCount: Int) throws {
    guard let (free, total) = session.byteCounts else { return }
    session.keepsVectorsOnHost = keepsVectorsOnHost(layers, total: total)
    let weights = weights(of: layers, total: total)
    guard weights + byteCount + Self.reserve <= free else {
      throw TorchError.tooLarge(
        device: session.name, weights: weights, activations: byteCount + Self.reserve, free: free,
        total: total)
    }
  }

  private func keepsVectorsOnHost(_ layers: PassLayers, total: Int) -> Bool {
    byteCount(layers.ofTokens) + byteCount(layers.ofVectors) > total / 10 * 7
  }

  /// Bytes of the weights that go to the device and aren't there yet.
  private func weights(of layers: PassLayers, total: Int) -> Int {
    let all =
      keepsVectorsOnHost(layers, total: total)
      ? layers.ofTokens : layers.ofTokens + layers.ofVectors
    return byteCount(all.filter { !$0.weight.isCopied(in: session) })
  }

  private func byteCount(_ layers: [LinearLayer]) -> Int {
    layers.reduce(0) {
      $0 + $1.weight.rows * $1.weight.columns * session.type(of: $1.weight).byteCount
    }
  }
}

public import Compute

/// Packs a latent into tokens of 2x2 cells; channel c, row dy and column dx of a cell group become
/// channel 4c + 2dy + dx of the token.
///
/// Source: huggingface/diffusers, `pipeline_flux.py` and `pipeline_qwenimage.py`, `_pack_latents`.
///
/// - Parameter latent: `[channels, height, width]`, height and width even.
/// - Returns: `[height / 2 · width / 2, 4 · channels]`.
public func packTokens(_ latent: Tensor) -> Tensor {
  permuteTokens(latent, channels: latent.shape[0], height: latent.shape[1], width: latent.shape[2])
}

/// The inverse of ``packTokens(_:)``.
///
/// - Parameters:
///   - tokens: `[grid.count, 4 · channels]`.
///   - grid: rows and columns of tokens.
/// - Returns: `[channels, 2 · rows, 2 · columns]`.
public func unpackTokens(_ tokens: Tensor, grid: TokenGrid) -> Tensor {
  precondition(tokens.rows == grid.count && tokens.columns % 4 == 0, "tokens must fill the grid")
  let channels = tokens.columns / 4
  let from = tokens.floats
  var latent = [Float](repeating: 0, count: from.count)
  forEachCell(channels: channels, height: 2 * grid.rows, width: 2 * grid.columns) { cell, token in
    latent[cell] = from[token]
  }
  return Tensor(shape: [channels, 2 * grid.rows, 2 * grid.columns], latent)
}

private func permuteTokens(_ latent: Tensor, channels: Int, height: Int, width: Int) -> Tensor {
  precondition(height % 2 == 0 && width % 2 == 0, "a latent must have even sides")
  let from = latent.floats
  var tokens = [Float](repeating: 0, count: from.count)
  forEachCell(channels: channels, height: height, width: width) { cell, token in
    tokens[token] = from[cell]
  }
  return Tensor(shape: [height / 2 * width / 2, 4 * channels], tokens)
}

private func forEachCell(
  channels: Int, height: Int, width: Int, _ body: (_ cell: Int, _ token: Int) -> Void
) {
  for channel in 0..<channels {
    for row in 0..<height {
      for column in 0..<width {
        let token = row / 2 * (width / 2) + column / 2
        let place = 4 * channel + 2 * (row % 2) + column % 2
        body((channel * height + row) * width + column, token * 4 * channels + place)
      }
    }
  }
}

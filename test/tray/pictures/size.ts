// How large the frames of picture clips are.
export const pictureSize = { width: 1280, height: 720 } as const
